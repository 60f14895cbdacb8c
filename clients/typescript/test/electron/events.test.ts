import { expect, test } from "vitest";

import { FunctionSubscriber, subscribeJson, windowPublisher } from "../../src/electron/events.js";
import { FakeElectron } from "./fake.js";

interface Message {
  text: string;
}

const isMessage = (payload: unknown): payload is Message =>
  typeof payload === "object" && payload !== null && "text" in payload && typeof payload.text === "string";

const CHANNEL = "agent/session/123/message";

test("events reach the pages that subscribed, as long as they do", async () => {
  const electron = new FakeElectron();
  const [one, two, closed] = [electron.window(), electron.window(), electron.window()];
  const { bridge } = one.load();
  two.load();
  closed.destroy();
  const publisher = windowPublisher(() => [closed, one, two]);
  const subscriber = new FunctionSubscriber((channel, handler) => bridge.on(`agentos:${channel}`, handler));
  const heard: Message[] = [];
  const refused: string[] = [];
  const off = subscribeJson(subscriber, CHANNEL, isMessage, (message) => heard.push(message), (name) => refused.push(name));
  publisher.publish(CHANNEL, { text: "one" });
  publisher.publish(CHANNEL, '{"text":"two"}');
  publisher.publish(CHANNEL, { text: 3 });
  publisher.publish(CHANNEL, "{");
  publisher.publish("other", { text: "no" });
  await new Promise(setImmediate);
  expect(heard).toEqual([{ text: "one" }, { text: "two" }]);
  expect(refused).toEqual([CHANNEL, CHANNEL]);
  off();
  publisher.publish(CHANNEL, { text: "late" });
  await new Promise(setImmediate);
  expect(heard.length).toBe(2);
  expect(one.mainFrame?.ipcRenderer.listenerCount(`agentos:${CHANNEL}`)).toBe(0);
});

test("a function that cannot take a subscription back is not heard after it was", () => {
  let give: (payload: unknown) => void = () => undefined;
  const heard: unknown[] = [];
  const off = new FunctionSubscriber((_, handler) => void (give = handler)).subscribe("x", (value) => heard.push(value));
  give(1);
  off();
  give(2);
  expect(heard).toEqual([1]);
});

test("what cannot be cloned is the publisher's fault and no window's", () => {
  expect(() => windowPublisher(() => []).publish(CHANNEL, () => 1)).toThrow("could not be cloned");
});

test("a window that is destroyed while it is told keeps the event from nobody", () => {
  const told: string[] = [];
  const dying = {
    isDestroyed: () => false,
    send: () => {
      throw new TypeError("Object has been destroyed");
    },
  };
  windowPublisher(() => [dying, { isDestroyed: () => false, send: (channel) => told.push(channel) }]).publish("x", 1);
  expect(told).toEqual(["agentos:x"]);
});

test("a page hears and asks only what its preload opens", async () => {
  const electron = new FakeElectron();
  electron.handlers.set("app.version", () => "1.0");
  const { bridge, rpc } = electron.window().load({ requests: ["app.version"] });
  expect(await rpc.request("app.version")).toBe("1.0");
  await expect(rpc.request("app.quit")).rejects.toThrow("does not open app.quit");
  expect(() => bridge.on("bridge:frame", () => undefined)).toThrow("does not open bridge:frame");
  const open = electron.window().load({ events: () => true, requests: (channel) => channel.startsWith("app.") });
  open.bridge.on("anything", () => undefined);
  await open.rpc.request("app.quit");
});
