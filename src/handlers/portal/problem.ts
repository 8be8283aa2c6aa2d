import type { ErrorRequestHandler } from 'express';
import type { Logger } from '../../logger.ts';
import { failureOf, requestFailed } from '../http/problem.ts';
import { requestIdOf } from '../http/request-id.ts';
import { messagePage, sendPage } from './layout.ts';

const titles: Record<number, string> = {
  403: 'This link opens nothing',
  404: 'There is no such page',
  429: 'One moment, please',
};

/** Errors under `/portal`, for people: a page instead of JSON, and like it nothing of ours in it but a request id. */
export function answerPortalErrors(log: Logger): ErrorRequestHandler {
  return (error, _request, response, next) => {
    const failure = failureOf(error);
    if (failure.status >= 500) requestFailed(log, failure, response);
    if (response.headersSent) {
      next(error);
      return;
    }
    for (const [name, value] of Object.entries(failure.headers)) response.setHeader(name, value);
    const message = failure.status >= 500 ? `${failure.publicMessage} Please try again; if it stays so, tell the vendor this number: ${requestIdOf(response)}` : failure.publicMessage;
    sendPage(response, failure.status, messagePage({ title: titles[failure.status] ?? 'Something went wrong', message }));
  };
}
