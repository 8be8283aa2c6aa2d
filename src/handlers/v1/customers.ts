import { z } from 'zod';
import type { Database } from '../../database/orm.ts';
import { listCustomers, readCustomer } from '../../licensing/read-customers.ts';
import { answersMany, answersOne, many, noInput, one, pageQuery } from '../http/answer.ts';
import { managementRoute, type Route } from '../http/route.ts';
import { shown, timestamps, withoutScope } from './view.ts';

const customersQuery = pageQuery.extend({ email: z.string().min(1).max(320).optional() });

const customer = z.strictObject({
  id: shown.id, email: z.string(), name: shown.text, metadata: shown.metadata, bannedAt: shown.timeOrNull,
  licensesCount: shown.count, stripeCustomerIds: z.array(z.string()), ...timestamps,
}).meta({ id: 'Customer' });

export function customerRoutes({ database }: { database: Database }): Route[] {
  const path = '/api/v1/customers';
  return [
    managementRoute({ method: 'get', path, permission: 'customers:read', summary: 'List customers', input: customersQuery, answers: answersMany(customer) }, async ({ scope, input }) => {
      const { email, ...page } = input;
      return many(await listCustomers(database, scope, { email }, page), withoutScope);
    }),
    managementRoute({ method: 'get', path: `${path}/:id`, permission: 'customers:read', summary: 'Read a customer', input: noInput, answers: answersOne(customer) }, async ({ scope, id }) =>
      one(await readCustomer(database, scope, id), withoutScope),
    ),
  ];
}
