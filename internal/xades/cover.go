package xades

import (
	"fmt"
	"strings"

	"tegata/internal/c14n"
)

// dereference finds what each reference is to, checks its digest, and that nothing
// in the document is left over.
func (r *reading) dereference(content []byte) error {
	r.octets = make([][]byte, len(r.info.references))
	d := dereferencer{reading: r, content: content, taken: map[*c14n.Node]bool{}}
	for i, ref := range r.info.references {
		octets, err := d.octets(i, ref)
		if err != nil {
			return err
		}
		if !ref.check(octets) {
			if i == r.info.properties {
				return fmt.Errorf("%w: digest", ErrSignedProperties)
			}
			return fmt.Errorf("%w: reference %q", ErrContent, ref.uri)
		}
		r.octets[i] = octets
		if i != r.info.properties {
			r.signed.Contents = append(r.signed.Contents, Content{Octets: octets, URI: ref.uri})
		}
	}
	if err := d.complete(); err != nil {
		return err
	}
	return r.formats()
}

type dereferencer struct {
	*reading
	content []byte
	taken   map[*c14n.Node]bool // elements that a reference was to
	given   bool                // the content that was given is what a reference was to
}

// octets returns what a reference is to. XML Signature 1.1, section 4.4.3, lets it
// be anything; here it is what the form of the signature says, or an error.
func (d *dereferencer) octets(i int, ref reference) ([]byte, error) {
	if ref.external() {
		return d.beside(ref)
	}
	var target *c14n.Node
	if ref.uri != "" {
		if target = d.ids[strings.TrimPrefix(ref.uri, "#")]; target == nil {
			return nil, fmt.Errorf("%w: %q", ErrNoTarget, ref.uri)
		}
	}
	switch {
	case i == d.info.properties:
		if target != d.properties.signed || ref.enveloped {
			return nil, fmt.Errorf("%w: the reference is to something else", ErrSignedProperties)
		}
		return ref.method.Element(target, nil)
	case d.signature == d.doc.Root:
		return d.object(ref, target)
	}
	return d.whole(ref, target)
}

// beside is the content of a detached signature: octets as they were given.
func (d *dereferencer) beside(ref reference) ([]byte, error) {
	switch {
	case ref.kind == typeSignedProperties:
		return nil, fmt.Errorf("%w: %q", ErrSignedProperties, ref.uri)
	case d.signature != d.doc.Root:
		// An element around it would look signed and not be.
		return nil, fmt.Errorf("%w: the document around a detached signature", ErrUnsigned)
	case d.content == nil:
		return nil, fmt.Errorf("%w: %.100q", ErrNoContent, ref.uri)
	case d.given:
		return nil, fmt.Errorf("%w: a second content beside the document", ErrRemote)
	}
	d.given = true
	return d.content, nil
}

// object is what an enveloping signature is over: an Object of its own, whole.
func (d *dereferencer) object(ref reference, target *c14n.Node) ([]byte, error) {
	for _, o := range d.objects {
		if o != target {
			continue
		}
		if ref.enveloped {
			return nil, fmt.Errorf("%w: enveloped-signature of what does not envelop", ErrTransform)
		}
		if d.taken[o] {
			return nil, fmt.Errorf("%w: %q is referred to twice", ErrTarget, ref.uri)
		}
		d.taken[o] = true
		if err := seen(ref, o, nil); err != nil {
			return nil, err
		}
		return ref.method.Element(o, nil)
	}
	return nil, fmt.Errorf("%w: %q", ErrTarget, ref.uri)
}

// whole is what an enveloped signature is over: the document, or its element by id.
func (d *dereferencer) whole(ref reference, target *c14n.Node) ([]byte, error) {
	root := d.doc.Root
	switch {
	case target != nil && target != root:
		return nil, fmt.Errorf("%w: %q is a %s", ErrTarget, ref.uri, target.Local)
	case d.taken[root]:
		return nil, fmt.Errorf("%w: the document is referred to twice", ErrTarget)
	case !ref.enveloped:
		return nil, fmt.Errorf("%w: an enveloped signature without enveloped-signature", ErrTransform)
	}
	d.taken[root] = true
	if err := seen(ref, root, d.signature); err != nil {
		return nil, err
	}
	if target != nil {
		return ref.method.Element(root, d.signature)
	}
	return ref.method.Document(d.doc, d.signature)
}

// seen makes sure that people and programs who read an element see what is in its
// octets.
func seen(ref reference, e, skip *c14n.Node) error {
	if cut := cutText(e, skip); cut != nil {
		return fmt.Errorf("%w: in %s", ErrComment, cut.Local)
	}
	// The exclusive form leaves out declarations that no name uses. A prefix may be
	// used inside a value all the same, and would be anybody's to bind anew.
	if prefix, found := ref.method.Unseen(e, skip); found {
		return fmt.Errorf("%w: prefix %q", ErrNamespace, prefix)
	}
	return nil
}

// cutText returns an element in which a comment stands beside text, nil when there
// is none. Comments are not signed: anybody can put one into a text, and programs
// that take the first piece for the whole would read another value.
func cutText(e, skip *c14n.Node) (cut *c14n.Node) {
	e.Walk(func(n *c14n.Node) bool {
		if n == skip || n.Kind != c14n.Element {
			return false
		}
		comment, text := false, false
		for _, c := range n.Children {
			comment = comment || c.Kind == c14n.Comment
			text = text || c.Kind == c14n.Text && strings.Trim(c.Value, " \t\r\n") != ""
		}
		if comment && text {
			cut = n
		}
		return cut == nil
	})
	return cut
}

// complete refuses what no reference was to, and tells the form.
func (d *dereferencer) complete() error {
	left := func(what string) error { return fmt.Errorf("%w: %s", ErrUnsigned, what) }
	switch {
	case d.content != nil && !d.given:
		return left("the content that was given")
	case d.signature != d.doc.Root && !d.taken[d.doc.Root]:
		return left("the document")
	case len(d.signed.Contents) == 0:
		return left("everything")
	}
	for _, o := range d.objects {
		if !d.taken[o] {
			return left("an Object")
		}
	}
	// An instruction beside the document element, such as a style sheet's, is in the
	// canonical form of the whole document only.
	byID := d.signature == d.doc.Root || d.signed.Contents[0].URI != ""
	for _, n := range d.doc.Nodes {
		if n.Kind == c14n.Instruction && byID {
			return left("a processing instruction")
		}
	}
	switch {
	case d.given && len(d.objects) > 0:
		return fmt.Errorf("%w: one signature over what is inside and what is beside", ErrTarget)
	case d.given:
		d.signed.Form = Detached
	case d.signature == d.doc.Root:
		d.signed.Form = Enveloping
	default:
		d.signed.Form = Enveloped
	}
	return nil
}
