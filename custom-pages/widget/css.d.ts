/** Style sheets arrive as their minified text. */
declare module '*.css?text' {
  const text: string
  export default text
}
