/** Talks with the model over its OpenAI-compatible API, and shows what it says as it comes. */

const talk = document.getElementById("talk");
const form = document.getElementById("ask");
const text = document.getElementById("text");
const send = document.getElementById("send");
const stop = document.getElementById("stop");

/** What fits its context beside an answer. */
const REMEMBERED = 8;
const ANSWER_TOKENS = 256;

const messages = [];
let asked;

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (asked) return;
  const content = text.value.trim();
  if (content === "") return;
  text.value = "";
  show("user", content);
  messages.push({ role: "user", content });
  void answer();
});

stop.addEventListener("click", () => asked?.abort());

async function answer() {
  asked = new AbortController();
  busy(true);
  const line = show("assistant", "");
  try {
    for await (const part of parts(asked.signal)) line.textContent += part;
  } catch (error) {
    if (error.name !== "AbortError") show("error", `It did not answer: ${error.message}`);
  } finally {
    if (line.textContent === "") {
      line.remove();
      messages.pop();
    } else messages.push({ role: "assistant", content: line.textContent });
    asked = undefined;
    busy(false);
  }
}

/** The parts of an answer, as server-sent events bring them. */
async function* parts(signal) {
  const body = JSON.stringify({ messages: messages.slice(-REMEMBERED), max_tokens: ANSWER_TOKENS, stream: true });
  const headers = { "content-type": "application/json" };
  const response = await fetch("/v1/chat/completions", { method: "POST", headers, body, signal });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  let rest = "";
  for await (const chunk of chunks(response.body.pipeThrough(new TextDecoderStream()))) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (!line.startsWith("data: ") || line === "data: [DONE]") continue;
      const { choices, error } = JSON.parse(line.slice("data: ".length));
      if (error) throw new Error(error.message);
      const part = choices?.[0]?.delta?.content;
      if (part) yield part;
    }
  }
}

/** Not every browser iterates a stream by itself. */
async function* chunks(stream) {
  const reader = stream.getReader();
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) yield read.value;
  } finally {
    reader.releaseLock();
  }
}

function show(role, content) {
  const line = document.createElement("li");
  line.dataset.role = role;
  line.textContent = content;
  talk.append(line);
  line.scrollIntoView({ block: "end" });
  return line;
}

function busy(isBusy) {
  send.hidden = isBusy;
  stop.hidden = !isBusy;
  if (!isBusy) text.focus();
}
