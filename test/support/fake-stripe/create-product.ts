import { renderPrice, renderProduct } from './render-catalog.ts';
import type { Interval, Price, Product, State } from './state.ts';
import { emit, requestedStep } from './step.ts';

/** A thing for sale, once or every `recurring`, for `unitAmount` cents. */
export type ProductForSale = { productName: string; recurring?: Interval; unitAmount: number };

/** The vendor puts a product with one price up for sale. */
export function createProductAndPrice(state: State, { productName, recurring, unitAmount }: ProductForSale): { productId: string; priceId: string } {
  const step = requestedStep(state);
  const product: Product = { id: state.newId('product'), name: productName, created: step.at };
  const price: Price = { id: state.newId('price'), productId: product.id, unitAmount, interval: recurring ?? null, created: step.at };
  state.products.set(product.id, product);
  state.prices.set(price.id, price);
  emit(step, 'product.created', renderProduct(state, product));
  emit(step, 'price.created', renderPrice(state, price.id));
  return { productId: product.id, priceId: price.id };
}
