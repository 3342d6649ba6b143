// Package c14n reads an XML document strictly and writes it canonically:
// Canonical XML 1.0 and 1.1 and Exclusive XML Canonicalization 1.0, for a whole
// document or one element of it.
//
// It owns the reader (XML 1.0, fifth edition, and Namespaces in XML 1.0), which
// remembers where in the source each element stands, and the three canonical
// forms. What is signed, and by whom, is left to package xades.
//
// # Trust
//
// The document is a stranger's. There is no document type declaration and so no
// entity, no default attribute and nothing to fetch; size, depth, nodes,
// attributes and namespaces are bounded before anything is built from them. UTF-8
// is the only encoding. A name that is not bound to a namespace, or bound to a
// relative one, is an error and never a guess: two readers that disagree about
// a document are how signatures come to cover something else than what is shown.
package c14n
