/** A request Stripe turns down, with the status and the body it does so with. */
export class ApiError extends Error {
  readonly status: number;
  readonly body: { error: Record<string, unknown> };

  constructor(status: number, error: { type: string; message: string; [detail: string]: unknown }) {
    super(error.message);
    this.status = status;
    this.body = { error };
  }
}

/** 404: there is no such object. As the cursor of a list it is a bad parameter instead, 400. */
export function noSuch(noun: string, id: string, param = 'id', status = 404): ApiError {
  return new ApiError(status, {
    code: 'resource_missing',
    doc_url: 'https://stripe.com/docs/error-codes/resource-missing',
    message: `No such ${noun}: '${id}'`,
    param,
    type: 'invalid_request_error',
  });
}

/** 400: a parameter Stripe does not take. */
export function badParameter(param: string, message: string): ApiError {
  return new ApiError(400, { message, param, type: 'invalid_request_error' });
}

/** 401: no key, or none of this mode. */
export function unauthorized(message: string): ApiError {
  return new ApiError(401, { message, type: 'invalid_request_error' });
}

/** 404: there is no such route. */
export function noRoute(method: string, path: string): ApiError {
  const message = `Unrecognized request URL (${method}: ${path}). Please see https://stripe.com/docs or we can help at https://support.stripe.com/.`;
  return new ApiError(404, { message, type: 'invalid_request_error' });
}

/** Stripe being out of order with `status`: too many requests, or a fault of its own. */
export function outOfOrder(status: number): ApiError {
  if (status === 429) {
    return new ApiError(429, {
      code: 'rate_limit',
      doc_url: 'https://stripe.com/docs/error-codes/rate-limit',
      message: 'Request rate limit exceeded. Learn more about rate limits at https://stripe.com/docs/rate-limits.',
      type: 'invalid_request_error',
    });
  }
  const message = "Sorry! There was an error while talking to one of our backends. We've already been notified of the problem, but please contact support@stripe.com with any questions you may have.";
  return new ApiError(status, { message, type: 'api_error' });
}
