// How hard the tests that search try: little in every run of the tests, and by environment as long as is asked for.
//   FUZZ_RUNS=100000 npx vitest run test/local/servicebus/amqp/fuzz.test.ts     inputs for each front
//   KILL_ROUNDS=1000 npx vitest run test/local/cosmos/durability.test.ts        kills of the process

const count = (name: string, least: number): number => {
  const text = process.env[name];
  if (text === undefined || text === '') return least;
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1)
    throw new Error(`${name} is "${text}"; expected a whole number from 1`);
  return number;
};

/** Inputs that a fuzz test tries; `fast` is what every run of the tests can afford. */
export const fuzzRuns = (fast: number): number => count('FUZZ_RUNS', fast);

/** Kills that a crash test survives. */
export const killRounds = (fast: number): number => count('KILL_ROUNDS', fast);

/** A test's time limit (ms) for so many rounds of so many ms, above the usual one. */
export const timeFor = (rounds: number, msEach: number): number => 60_000 + rounds * msEach;
