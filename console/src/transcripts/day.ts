/** The time of day of what was today, else the date. */
export function day(at: number, now = Date.now()): string {
  const time = new Date(at);
  const isToday = time.toDateString() === new Date(now).toDateString();
  return isToday
    ? time.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" })
    : time.toLocaleDateString(undefined, { year: "numeric", month: "short", day: "numeric" });
}
