/** What a page must not have for those who see little or nothing of it. Both run in the page. */

/** Controls without a name, and lists without a label. */
export function unnamed(): string[] {
  const nameOf = (element: Element): string => {
    const labelled = (element as HTMLInputElement).labels?.[0]?.textContent ?? "";
    return (
      (element.getAttribute("aria-label") ?? "") +
      labelled +
      (element.matches("button, [role=tab]") ? (element.textContent ?? "") : "")
    );
  };
  const shown = [
    ...document.querySelectorAll(
      "button, input, select, textarea, [role=tree], [role=grid], [role=listbox], [role=tablist], [role=radiogroup], aside",
    ),
  ].filter((element) => element.checkVisibility() && element.getAttribute("aria-hidden") !== "true");
  return shown.filter((element) => nameOf(element).trim() === "").map((element) => element.outerHTML.slice(0, 160));
}

/** Text whose contrast to what is behind it is under 4.5 to 1. */
export function faint(): string[] {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true }) as CanvasRenderingContext2D;
  const rgba = (colour: string): number[] => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const over = (top: number[], below: number[]): number[] => {
    const alpha = (top[3] as number) / 255;
    return [0, 1, 2].map((at) => (top[at] as number) * alpha + (below[at] as number) * (1 - alpha)).concat(255);
  };
  const behind = (element: Element | null): number[] => {
    if (!element) return [255, 255, 255, 255];
    const own = rgba(getComputedStyle(element).backgroundColor);
    return own[3] === 255 ? own : over(own, behind(element.parentElement));
  };
  const luminance = (colour: number[]): number => {
    const linear = colour
      .slice(0, 3)
      .map((part) => (part / 255 <= 0.03928 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * (linear[0] as number) + 0.7152 * (linear[1] as number) + 0.0722 * (linear[2] as number);
  };
  const texts = [...document.querySelectorAll("body *")].filter(
    (element) =>
      element.checkVisibility() &&
      !element.closest(":disabled, svg, select") &&
      [...element.childNodes].some((node) => node.nodeType === 3 && (node.textContent ?? "").trim() !== ""),
  );
  return texts.flatMap((element) => {
    const below = behind(element);
    const [one, other] = [luminance(over(rgba(getComputedStyle(element).color), below)), luminance(below)].sort(
      (a, b) => b - a,
    ) as [number, number];
    const ratio = (one + 0.05) / (other + 0.05);
    return ratio < 4.5 ? [`${ratio.toFixed(2)} ${element.className} ${(element.textContent ?? "").slice(0, 40)}`] : [];
  });
}
