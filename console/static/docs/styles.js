// The reader writes its styles into elements of its own. They get the page's nonce, so that the
// policy lets in what the reader's script makes, and nothing that comes as markup.
{
  const { nonce } = document.currentScript;
  const { createElement } = Document.prototype;

  Document.prototype.createElement = function (...told) {
    const made = createElement.apply(this, told);
    if (made instanceof HTMLStyleElement) made.nonce = nonce;
    return made;
  };
}
