import { cleanup, configure } from "@testing-library/react";
import { afterEach, beforeEach } from "vitest";

import { forgetViews, StandInObserver } from "./in-view.js";

/** jsdom lays nothing out: what scrolls is given a size, so that rows in sight exist. */
Object.defineProperty(HTMLElement.prototype, "offsetHeight", { get: () => 800 });
Object.defineProperty(HTMLElement.prototype, "offsetWidth", { get: () => 600 });

HTMLElement.prototype.scrollTo ??= () => undefined;
HTMLDialogElement.prototype.showModal ??= function (this: HTMLDialogElement) {
  this.open = true;
};
HTMLDialogElement.prototype.close ??= function (this: HTMLDialogElement) {
  this.open = false;
};

globalThis.ResizeObserver ??= class {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
};

globalThis.IntersectionObserver ??= StandInObserver;

configure({ asyncUtilTimeout: 10_000 });

beforeEach(() => {
  localStorage.clear();
  sessionStorage.clear();
});

afterEach(() => {
  cleanup();
  forgetViews();
});
