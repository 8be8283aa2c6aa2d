import type { Clock } from '../../clock.ts';
import type { Scope } from '../../database/scope.ts';
import type { AppError } from '../../errors.ts';
import type { Licensing } from '../../licensing/licensing.ts';
import type { Validations } from '../../licensing/validate-key.ts';
import type { Directory } from '../http/authenticate.ts';
import type { Route } from '../http/route.ts';

/**
 * The interface of another system over the same licenses: its paths and its words. It translates a request into calls of use cases and what they
 * say into its own answers; it holds no rule.
 */
export type OtherInterface = {
  /** Every path below this is its own, also where it answers nothing. */
  at: string;
  /** The types of content that its bodies may have. */
  takes: readonly string[];
  routes: Route[];
  /** How it tells a failure of a request to `path`. */
  showFailure: (failure: AppError, path: string) => { status: number; body: object };
};

/** What the interfaces call. */
export type InterfaceDependencies = Licensing & { clock: Clock; validations: Pick<Validations, 'validate' | 'flush'>; directory: Directory; timeOf: (scope: Scope) => Promise<Date> };
