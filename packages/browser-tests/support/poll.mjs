// Waiting for something to become true, with an end.

import { setTimeout as pause } from "node:timers/promises";

/// Asks again and again until the answer is neither false nor nothing, and returns it.
export async function poll(what, ask, { seconds = 20, every = 50 } = {}) {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${seconds} s`);
    await pause(every);
  }
}
