const units = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

// Shows the time of an entry as "2 hours ago"; the exact time stays in the tooltip.
export function showAge(element) {
  const seconds = (Date.now() - Date.parse(element.dateTime)) / 1000;
  const format = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto" });
  const [unit, length] = units.find(([, length]) => seconds >= length) ?? ["second", 1];

  element.title = element.textContent;
  element.textContent = format.format(-Math.floor(seconds / length), unit);
}
