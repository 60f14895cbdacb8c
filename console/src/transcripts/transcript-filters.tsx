import { Search } from "lucide-react";
import { useId, useRef, type ReactNode } from "react";

import { useStore } from "../store.js";
import type { Archive, Wanted } from "./archive.js";

/** What to search for, in which folder, of which agent. */
export function TranscriptFilters({
  archive,
  wanted,
  onWanted,
}: {
  archive: Archive;
  wanted: Wanted;
  onWanted: (wanted: Wanted) => void;
}): ReactNode {
  const { transcripts } = useStore(archive.found);
  const folders = useId();
  // What was ever listed can be chosen, also while a filter hides it.
  const known = useRef({ folders: new Set<string>(), providers: new Set<string>() });
  for (const { cwd, provider } of transcripts) {
    known.current.folders.add(cwd);
    known.current.providers.add(provider);
  }
  return (
    <form className="transcript-filters" role="search" onSubmit={(event) => event.preventDefault()}>
      <label className="search">
        <Search size={14} aria-hidden />
        <input
          type="search"
          data-search
          placeholder="Search what was said and done"
          aria-label="Search transcripts"
          spellCheck={false}
          value={wanted.query}
          onChange={(event) => onWanted({ ...wanted, query: event.target.value })}
        />
        <kbd aria-hidden>/</kbd>
      </label>
      <div className="transcript-narrow">
        <input
          className="input input-small"
          aria-label="Folder"
          placeholder="Any folder"
          list={folders}
          spellCheck={false}
          value={wanted.cwd}
          onChange={(event) => onWanted({ ...wanted, cwd: event.target.value })}
        />
        <datalist id={folders}>
          {[...known.current.folders].sort().map((folder) => (
            <option key={folder} value={folder} />
          ))}
        </datalist>
        <select
          className="input select select-small"
          aria-label="Agent"
          value={wanted.provider}
          onChange={(event) => onWanted({ ...wanted, provider: event.target.value })}
        >
          <option value="">Any agent</option>
          {[...new Set([...known.current.providers, ...(wanted.provider === "" ? [] : [wanted.provider])])].sort().map((provider) => (
            <option key={provider} value={provider}>
              {provider}
            </option>
          ))}
        </select>
      </div>
    </form>
  );
}
