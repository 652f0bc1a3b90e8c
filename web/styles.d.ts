/** Style sheets are imported as text, to be embedded in a page. */
declare module "*.css" {
  const text: string;
  export default text;
}
