/** What Gemini keys of both kinds look like in a text, as the source of a pattern: for whatever must not show one. */
export const geminiKeySource = 'AIza[0-9A-Za-z_-]{10,}|AQ\\.[0-9A-Za-z._~-]{10,}';
