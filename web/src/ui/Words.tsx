/** Text in which `backticks` mark what is to be typed; everything else stays plain text. */
export function Words({ text }: { text: string }) {
  return text.split('`').map((part, index, all) =>
    // An unpaired last backtick is only a character.
    index % 2 === 1 && index < all.length - 1 ? (
      // oxlint-disable-next-line react/no-array-index-key
      <code key={index}>{part}</code>
    ) : (
      `${index % 2 === 1 ? '`' : ''}${part}`
    ),
  )
}
