import type { InterfaceDependencies, OtherInterface } from './other-interface.ts';

/** sell.app's license API. */
export function sellApp(_dependencies: InterfaceDependencies): OtherInterface {
  return { at: '/api/v2', takes: ['application/json'], routes: [], showFailure: ({ status, publicMessage }) => ({ status, body: { message: publicMessage } }) };
}
