// An element with its attributes, a text that is never markup, and its children.
const make = (name, {text, ...attributes} = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  made.append(...children);
  return made;
};
