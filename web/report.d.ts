/** report.js is imported as text, to be embedded in the page. */
declare const text: string;
export default text;
