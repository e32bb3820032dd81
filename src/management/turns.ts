export { Turns } from '../support/turns.ts';
