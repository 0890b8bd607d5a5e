// How an answer of a provider stands in the page that it becomes.
import type { HttpResponse, Receipt } from '../http/http-client.ts';
import type { Page } from './source.ts';

/** The receipt of an answer that was read to its end, for the page whose admission uses it up. */
export const receiptsOf = (response: Pick<HttpResponse, 'receipt'>): { readonly receipts?: readonly Receipt[] } => {
  const receipt = response.receipt();
  return receipt === null ? {} : { receipts: [receipt] };
};

/** The rows of an answer that brings nothing which was not used up before. */
export const unchangedRows = (
  unchanged: NonNullable<HttpResponse['unchanged']>,
): Pick<Page, 'records' | 'invalid' | 'unchanged'> => ({ records: [], invalid: [], unchanged });

/** The page of such an answer. */
export const unchangedPage = (unchanged: NonNullable<HttpResponse['unchanged']>, position: unknown): Page => ({
  ...unchangedRows(unchanged),
  position,
});
