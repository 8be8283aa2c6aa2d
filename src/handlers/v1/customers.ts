import { z } from 'zod';
import type { Database } from '../../database/orm.ts';
import { listCustomers, readCustomer } from '../../licensing/read-customers.ts';
import { many, noInput, one, pageQuery } from '../http/answer.ts';
import { managementRoute, type Route } from '../http/route.ts';
import { withoutScope } from './view.ts';

const customersQuery = pageQuery.extend({ email: z.string().min(1).max(320).optional() });

export function customerRoutes({ database }: { database: Database }): Route[] {
  const path = '/api/v1/customers';
  return [
    managementRoute({ method: 'get', path, permission: 'customers:read', input: customersQuery }, async ({ scope, input }) => {
      const { email, ...page } = input;
      return many(await listCustomers(database, scope, { email }, page), withoutScope);
    }),
    managementRoute({ method: 'get', path: `${path}/:id`, permission: 'customers:read', input: noInput }, async ({ scope, id }) =>
      one(await readCustomer(database, scope, id), withoutScope),
    ),
  ];
}
