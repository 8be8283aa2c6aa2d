import type { InterfaceDependencies, OtherInterface } from './other-interface.ts';

/** RustBill's licenses API. */
export function rustbill(_dependencies: InterfaceDependencies): OtherInterface {
  return { at: '/api/licenses', takes: ['application/json'], routes: [], showFailure: ({ status, publicMessage }) => ({ status, body: { message: publicMessage } }) };
}
