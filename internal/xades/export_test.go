package xades

// ByID makes an enveloped signature refer to the document element by its id, as
// other programs do, instead of to the whole document: what wrapping attacks need.
func ByID(o Options, id string) Options {
	o.byID = id
	return o
}
