import type { Database } from '../../database/orm.ts';
import type { Clock } from '../../clock.ts';
import { createProduct, productRequest } from '../../licensing/create-product.ts';
import { type CountedProduct, listProducts, readProduct } from '../../licensing/read-catalog.ts';
import { many, noInput, one, pageQuery } from '../http/answer.ts';
import { managementRoute, type Route } from '../http/route.ts';
import { withoutScope } from './view.ts';

export function productRoutes({ database, clock }: { database: Database; clock: Clock }): Route[] {
  const path = '/api/v1/products';
  return [
    managementRoute({ method: 'post', path, permission: 'products:write', input: productRequest }, async ({ scope, input }) => {
      const created = await createProduct(database, scope, input, clock.now());
      return one(created, (product) => viewProduct({ ...product, licensesCount: 0 }), 201);
    }),
    managementRoute({ method: 'get', path, permission: 'products:read', input: pageQuery }, async ({ scope, input }) =>
      many(await listProducts(database, scope, input), viewProduct),
    ),
    managementRoute({ method: 'get', path: `${path}/:id`, permission: 'products:read', input: noInput }, async ({ scope, id }) =>
      one(await readProduct(database, scope, id), viewProduct),
    ),
  ];
}

function viewProduct(product: CountedProduct): object {
  return withoutScope(product);
}
