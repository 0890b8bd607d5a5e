// Takes texts out of an address that is kept, and puts them back: a link to a next page may hold what the config took from
// the environment, anywhere in it, and what is kept in Redis may not.

/** Takes out and puts back. */
export interface HiddenTexts {
  /** `/v1/the-key/rows` as `/v1/<0>/rows`: no address holds such brackets. */
  hide(address: string): string;
  /** The address again. A number that stands for nothing stays as it is. */
  show(address: string): string;
}

/** The same texts in the same order have to be given to whoever shows what was hidden. */
export const createHiddenTexts = (texts: readonly string[]): HiddenTexts => {
  // As a path holds it, and as a query does; each comes back as it was. What is part of another one must not break it up.
  const forms = [...new Set(texts.flatMap(formsOf))].sort((one, other) => other.length - one.length);
  return {
    hide: (address) => forms.reduce((rest, form, at) => rest.replaceAll(form, `<${at}>`), address),
    show: (address) => address.replace(/<(\d+)>/g, (mark, at: string) => forms[Number(at)] ?? mark),
  };
};

const formsOf = (text: string): readonly string[] => {
  const given = text.toWellFormed();
  const [inQuery, inAddress] = [encodeURIComponent(given), encodeURI(given)];
  return [given, inAddress, inQuery, inQuery.replaceAll('%20', '+')].filter((form) => form !== '');
};
