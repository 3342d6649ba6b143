// Package ui is what every page of every party is made of: the shell with the
// party's name, band and mark, the phone's frame, the components (fields,
// secret fields, steps, notices, lists, QR codes), the words in two languages
// and the one style sheet.
//
// It owns how things look and how a page reaches the browser: html/template,
// rendered to a buffer so that an error is never half a page, no inline script
// and no inline style. What a page says is beside the page, in its party.
//
// The base is the Digital Agency of Japan's design system (tokens and rules,
// MIT), built into static/tegata.css by build/; WCAG 2.2 AA and JIS X 8341-3
// are the targets. Fonts are Noto Sans JP (OFL-1.1), served by ourselves.
//
// # Trust
//
// Everything that reaches a template is escaped by html/template; pictures
// are drawn from this package's own list by name; a stranger's mark is at most
// four characters of text. The language cookie is a preference and opens nothing.
package ui
