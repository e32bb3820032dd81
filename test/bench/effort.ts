/** How much is spent on a measurement. */
export interface Effort {
  /** Pairs of turns. */
  rounds: number;
  /** s, of one turn. */
  seconds: number;
  /** Devices of the big fleet. */
  registrations: number;
  /** Devices that notify once a minute. */
  notifying: number;
  /** s of reading while they notify. */
  readingFor: number;
  /** Octets of the image that is pushed. */
  image: number;
  /** TR-069 devices that come back after a power cut. */
  cpes: number;
}

export const fullEffort: Effort = {
  rounds: 5,
  seconds: 1,
  registrations: 50_000,
  notifying: 10_000,
  readingFor: 15,
  image: 200_000,
  cpes: 20_000,
};

/** Does everything once, to see that it works; figures mean little. */
export const quickEffort: Effort = {
  rounds: 1,
  seconds: 0.5,
  registrations: 2_000,
  notifying: 200,
  readingFor: 3,
  image: 40_000,
  cpes: 500,
};
