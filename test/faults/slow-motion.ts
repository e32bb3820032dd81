/** Lets a process run in slices and looks at what it has done in between: so a state that lasts microseconds can be met. */

/**
 * @param slice ms that the process runs between two looks. On a busy machine it may get less, and is looked at more often.
 * @param isReached asked while the process stands still
 * @param reached called once; the process stands still
 * @returns ends it; the process stays as it is
 */
export function runInSlices(pid: number, slice: number, isReached: () => boolean, reached: () => void): () => void {
  let ended = false;
  const turn = (): void => {
    if (ended) return;
    process.kill(pid, 'SIGCONT');
    // A timer would wait for the rest of the event loop, and the process would run on.
    for (const end = performance.now() + slice; performance.now() < end;);
    process.kill(pid, 'SIGSTOP');
    if (isReached()) {
      ended = true;
      reached();
    } else setImmediate(turn);
  };
  turn();
  return () => {
    ended = true;
  };
}
