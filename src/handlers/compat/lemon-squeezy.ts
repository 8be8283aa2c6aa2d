import type { InterfaceDependencies, OtherInterface } from './other-interface.ts';

/** Lemon Squeezy's License API: what an app calls that was written for it. */
export function lemonSqueezy(_dependencies: InterfaceDependencies): OtherInterface {
  return { at: '/v1', takes: ['application/json'], routes: [], showFailure: ({ status, publicMessage }) => ({ status, body: { message: publicMessage } }) };
}
