// Takes texts out of an address that is kept, and puts them back: a link to a next page may hold what the config took from
// the environment, anywhere in it, and what is kept in Redis may not.

/** Takes out and puts back. */
export interface HiddenTexts {
  /** `/v1/the-key/rows` as `/v1/<0.0>/rows`: no address holds such brackets. */
  hide(address: string): string;
  /** The address again. A mark that stands for nothing stays as it is. */
  show(address: string): string;
}

/** Texts that are not empty; another one in the place of a text, such as a new key, is what is put back. */
export const createHiddenTexts = (texts: readonly string[]): HiddenTexts => {
  const forms = texts.flatMap((text, at) => formsOf(text).map((form, number) => ({ form, mark: `<${at}.${number}>` })));
  const byMark = new Map(forms.map(({ form, mark }) => [mark, form]));
  // What is part of another one must not break it up.
  const longestFirst = forms.toSorted((one, other) => other.form.length - one.form.length);
  return {
    hide: (address) => longestFirst.reduce((rest, { form, mark }) => rest.replaceAll(form, mark), address),
    show: (address) => address.replace(/<\d+\.\d+>/g, (mark) => byMark.get(mark) ?? mark),
  };
};

/** As a path holds it, and as a query does: each comes back as it was. */
const formsOf = (text: string): readonly string[] => {
  const given = text.toWellFormed();
  const inQuery = encodeURIComponent(given);
  return [given, encodeURI(given), inQuery, inQuery.replaceAll('%20', '+')];
};
