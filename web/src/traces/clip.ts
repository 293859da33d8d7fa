/** Cuts text from outside to what a page can bear, and says how much is gone. */
export function clip(text: string, most = 4096): string {
  return text.length <= most ? text : `${text.slice(0, most)}… (${text.length - most} more)`
}
