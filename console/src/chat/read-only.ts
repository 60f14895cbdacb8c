import { createContext, useContext } from "react";

const ReadOnlyContext = createContext(false);

/** Everything below shows what was, and offers nothing that would change it. */
export const ReadOnlyProvider = ReadOnlyContext.Provider;

export function useReadOnly(): boolean {
  return useContext(ReadOnlyContext);
}
