/** Logging out: the gateway forgets the session first, so that a copied token is worth nothing afterwards. */
import { post } from './api.ts';
import { end } from './session.ts';

/** Ends this session. When the gateway can't be told, the session ends here all the same. */
export async function logOut(): Promise<void> {
  try {
    await post('/auth/logout');
  } catch {
    // It is over by its own expiry then.
  }
  end('logged_out');
}
