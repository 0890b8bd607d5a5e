// Where the API is: said by the environment, else left by a running `npm start`.
import { type ApiAccess, dataDirectory, readApiAccess } from '@stream-manager/shared/ops/data-directory';

/** Finds the API; rejects with a sentence that says how to name it. */
export const findApiAccess = async (env: Readonly<Record<string, string | undefined>>): Promise<ApiAccess> => {
  const url = env.STREAM_API ?? '';
  if (url !== '') {
    if (!URL.canParse(url))
      throw new Error(`STREAM_API is "${url}": expected an address such as http://127.0.0.1:8080`);
    const password = env.DASHBOARD_PASSWORD ?? '';
    if (password === '')
      throw new Error('STREAM_API is set, but DASHBOARD_PASSWORD is not: set it to the dashboard password');
    return { url, user: env.DASHBOARD_USER ?? 'admin', password };
  }
  const left = await readApiAccess(dataDirectory(env));
  if (left === null)
    throw new Error(
      'no API is known here: run `npm start`, or set STREAM_API and DASHBOARD_PASSWORD to those of a scheduler',
    );
  return left;
};
