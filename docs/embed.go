// Package docs gives programs the documents that they show: one text for the page and
// for the reader of the repository.
package docs

import _ "embed"

// RelyingParties is relying-parties.md, from which the developers' pages take the quick
// starts.
//
//go:embed relying-parties.md
var RelyingParties string
