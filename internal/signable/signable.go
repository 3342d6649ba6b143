// Package signable says which documents a person may be asked to sign, and in what
// form.
//
// It owns the pairs of format and media type that a phone can show, and the question
// whether a document says anything. How a document is shown is the phone's, how it is
// signed its element's; the formats are packages cms, pades and xades.
//
// # Trust
//
// Documents are strangers'. The verifier asks before it keeps one, and the phone asks
// again before it shows one: neither believes that the other did.
package signable

import (
	"errors"
	"fmt"
	"mime"
	"time"
	"unicode/utf8"

	"tegata/internal/pades"
	"tegata/internal/visible"
	"tegata/internal/xades"
)

// What a document can be refused for.
var (
	// ErrKind: this format does not go with this media type, or nobody can show it.
	ErrKind = errors.New("signable: not a format and media type that can be shown")
	// ErrMeaningless: it says nothing to anybody.
	ErrMeaningless = errors.New("signable: there is nothing to see in it")
	// ErrUnreadable: it is not what its media type says, or too much work to read.
	ErrUnreadable = errors.New("signable: it cannot be read as what it is said to be")
	// ErrClosed: it is signed, certified or encrypted, so that no signature can be added.
	ErrClosed = errors.New("signable: no signature can be added to it")
)

// Formats of a signature, as ceremony.Document names them.
const (
	CAdES = "cades" // detached CMS beside a text, PDF or XML document
	PAdES = "pades" // inside a PDF
	XAdES = "xades" // enveloped in an XML document
)

// Kind is how a document is shown.
type Kind string

// The kinds.
const (
	Text Kind = "text" // UTF-8
	XML  Kind = "xml"
	PDF  Kind = "pdf"
)

// KindOf tells how a document is shown. ErrKind.
func KindOf(format, mediaType string) (Kind, error) {
	media, parameters, err := mime.ParseMediaType(mediaType)
	if err != nil {
		return "", fmt.Errorf("%w: media type", ErrKind)
	}
	kind := map[string]Kind{"text/plain": Text, "text/xml": XML, "application/xml": XML, "application/pdf": PDF}[media]
	for name, value := range parameters {
		if name != "charset" || kind == PDF || value != "utf-8" && value != "UTF-8" {
			return "", fmt.Errorf("%w: parameter %s of the media type", ErrKind, name)
		}
	}
	switch {
	case format == CAdES && kind != "", format == PAdES && kind == PDF, format == XAdES && kind == XML:
		return kind, nil
	}
	return "", ErrKind
}

// Check returns nil for a document that can be shown, says something, and can be
// signed in this format. ErrKind, ErrMeaningless, ErrUnreadable, ErrClosed, each with
// its reason.
func Check(format, mediaType string, document []byte) error {
	kind, err := KindOf(format, mediaType)
	if err != nil {
		return err
	}
	switch {
	case kind == Text && !utf8.Valid(document):
		return fmt.Errorf("%w: not UTF-8", ErrUnreadable)
	case kind == Text && !visible.Any(string(document)):
		return ErrMeaningless
	case kind == PDF:
		if err = pades.CheckMeaning(document); err == nil {
			err = pades.CheckPlain(document) // what is signed must be what was seen
		}
		if err == nil && format == PAdES {
			// Whether there is room for a signature: what comes of it is thrown away.
			_, err = pades.Prepare(document, pades.Options{At: time.Unix(0, 0)})
		}
	case kind == XML && format == XAdES:
		err = xades.CheckSignable(document)
	case kind == XML:
		err = xades.CheckMeaning(document)
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, pades.ErrMeaningless), errors.Is(err, xades.ErrMeaningless):
		return fmt.Errorf("%w: %w", ErrMeaningless, err)
	case errors.Is(err, pades.ErrClosed), errors.Is(err, pades.ErrEncrypted), errors.Is(err, xades.ErrSigned):
		return fmt.Errorf("%w: %w", ErrClosed, err)
	}
	return fmt.Errorf("%w: %w", ErrUnreadable, err)
}
