package xades

import (
	"errors"

	"tegata/internal/c14n"
)

// What a document or a signature can be refused for. The first four are those of
// package c14n.
var (
	ErrMalformed = c14n.ErrMalformed // not XML, or not the grammar of a signature
	ErrDTD       = c14n.ErrDTD
	ErrEntity    = c14n.ErrEntity
	ErrLimit     = c14n.ErrLimit

	// About where things stand.

	ErrNoSignature       = errors.New("xades: no signature")
	ErrSeveralSignatures = errors.New("xades: several signatures side by side")
	ErrPlace             = errors.New("xades: a signature stands where none may")
	ErrDuplicateID       = errors.New("xades: an id comes twice")
	ErrUnsigned          = errors.New("xades: something is outside the signature")
	ErrComment           = errors.New("xades: a comment cuts a text in two")
	ErrNamespace         = errors.New("xades: a namespace declaration is outside the signature")

	// About references.

	ErrNoTarget  = errors.New("xades: reference to nothing")
	ErrTarget    = errors.New("xades: reference to neither the whole document nor the signature's own object")
	ErrRemote    = errors.New("xades: reference to somewhere else")
	ErrTransform = errors.New("xades: transform not accepted")
	ErrNoContent = errors.New("xades: the content that was signed is not given")
	ErrContent   = errors.New("xades: content is not what was signed")

	// About keys and algorithms.

	ErrAlgorithm   = errors.New("xades: algorithm not accepted")
	ErrWeakDigest  = errors.New("xades: digest weaker than SHA-256")
	ErrHMAC        = errors.New("xades: a shared secret is no signature")
	ErrKeyInfo     = errors.New("xades: the key is not given by a certificate")
	ErrCertificate = errors.New("xades: certificate is not the one that was signed with")
	ErrSignature   = errors.New("xades: signature does not match")

	// About XAdES properties.

	ErrNoSigningCertificate = errors.New("xades: signed properties do not name the certificate")
	ErrSignedProperties     = errors.New("xades: properties are not signed with the signature")
	ErrLevel                = errors.New("xades: the level below is missing, or this one is there")
	ErrTimeStamp            = errors.New("xades: not a time-stamp token for this signature")

	// About what is to be signed.

	ErrMeaningless = errors.New("xades: the document says nothing")
	ErrSigned      = errors.New("xades: the document is signed already")
)
