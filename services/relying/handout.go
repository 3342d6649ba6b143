package relying

import (
	"net/http"
	"path"
)

// HandOut gives a person a file of what they signed: text, or the signature of it
// (name ends in .p7s). Whether it is theirs is asked before.
func HandOut(w http.ResponseWriter, name string, content []byte) {
	kind := "text/plain; charset=utf-8"
	if path.Ext(name) == ".p7s" {
		kind = "application/pkcs7-signature" // RFC 8551, section 3.2.1
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	w.Write(content) // the line may break; it is asked for again
}
