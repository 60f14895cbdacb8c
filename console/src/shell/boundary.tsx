import { Component, type ReactNode } from "react";

import { ErrorCard } from "../methods/error-card.js";
import { failureOf } from "../methods/run.js";

/** Keeps the failure of one panel from taking the page with it. */
export class Boundary extends Component<{ children: ReactNode }, { error: unknown }> {
  override state: { error: unknown } = { error: undefined };

  static getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error };
  }

  override render(): ReactNode {
    if (this.state.error === undefined) return this.props.children;
    return (
      <div className="empty-page">
        <ErrorCard failure={{ ...failureOf(this.state.error), code: "CONSOLE", domain: "page" }} />
        <button type="button" className="button" onClick={() => this.setState({ error: undefined })}>
          Show it again
        </button>
      </div>
    );
  }
}
