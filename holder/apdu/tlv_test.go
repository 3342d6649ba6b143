package apdu_test

import (
	"bytes"
	"errors"
	"testing"

	"tegata/holder/apdu"
)

func TestDataObjects(t *testing.T) {
	for name, test := range map[string]struct {
		bytes []byte
		tag   uint32
		value []byte
		built bool // constructed
	}{
		"a tag of one byte":               {[]byte{0x84, 2, 1, 2}, 0x84, []byte{1, 2}, false},
		"a constructed tag of two bytes":  {[]byte{0x7F, 0x21, 1, 9}, 0x7F21, []byte{9}, true},
		"a private tag of two bytes":      {[]byte{0xFF, 0x10, 1, 9}, 0xFF10, []byte{9}, true},
		"a tag of three bytes":            {[]byte{0xDF, 0x81, 0x01, 1, 9}, 0xDF8101, []byte{9}, false},
		"a length of two bytes, as cards": {append([]byte{0xDF, 0x33, 0x82, 0x00, 0x80}, repeat(1, 128)...), 0xDF33, repeat(1, 128), false},
		"an empty value":                  {[]byte{0x6F, 0}, 0x6F, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			got, rest, err := apdu.ParseTLV(append(bytes.Clone(test.bytes), 0xAA))
			if err != nil {
				t.Fatal(err)
			}
			if got.Tag != test.tag || !bytes.Equal(got.Value, test.value) || got.Constructed() != test.built || !bytes.Equal(rest, []byte{0xAA}) {
				t.Errorf("got %X %X constructed %v rest %X", got.Tag, got.Value, got.Constructed(), rest)
			}
		})
	}
}

func TestWhatIsNoDataObject(t *testing.T) {
	for name, b := range map[string][]byte{
		"nothing":                           {},
		"filler":                            {0x00, 0x01},
		"no length":                         {0x84},
		"indefinite length":                 {0x30, 0x80, 0, 0},
		"length of five bytes":              {0x84, 0x85, 0, 0, 0, 0, 1, 1},
		"length cut off":                    {0x84, 0x82, 1},
		"value cut off":                     {0x84, 3, 1, 2},
		"value beyond all memory":           {0x84, 0x84, 0xFF, 0xFF, 0xFF, 0xFF},
		"tag of four bytes":                 {0xDF, 0x81, 0x81, 0x01, 0},
		"tag number that begins with zero":  {0xDF, 0x80, 0x01, 0},
		"tag cut off after its first byte":  {0xDF},
		"tag cut off after its second byte": {0xDF, 0x81},
	} {
		t.Run(name, func(t *testing.T) {
			if got, _, err := apdu.ParseTLV(b); !errors.Is(err, apdu.ErrTLV) {
				t.Errorf("got %v, %v; want ErrTLV", got, err)
			}
		})
	}
}

func TestFillerBetweenObjectsIsSkippedAndNestedOnesAreFound(t *testing.T) {
	inner := apdu.TLV{Tag: 0x84, Value: []byte("name")}.Bytes()
	b := join([]byte{0, 0xFF, 0xFF}, apdu.TLV{Tag: 0x53, Value: []byte{1}}.Bytes(), []byte{0},
		apdu.TLV{Tag: 0x6F, Value: join([]byte{0}, inner)}.Bytes(), repeat(0xFF, 3))
	all, err := apdu.SplitTLV(b)
	if err != nil || len(all) != 2 {
		t.Fatalf("got %d objects, %v; want 2", len(all), err)
	}
	if got, ok := apdu.FindTLV(b, 0x6F, 0x84); !ok || string(got.Value) != "name" {
		t.Errorf("got %q, %v", got.Value, ok)
	}
	if _, ok := apdu.FindTLV(b, 0x6F, 0x85); ok {
		t.Error("found an object that is not there")
	}
	if _, ok := apdu.FindTLV(b); ok {
		t.Error("found something on no path")
	}
}

func TestATagThatCannotBeReadIsNotWritten(t *testing.T) {
	for _, tag := range []uint32{0x00, 0xFF, 0x1F, 0xDF80, 0x1000000, 0xDF8181, 0x8401} {
		if b := (apdu.TLV{Tag: tag}).Bytes(); b != nil {
			t.Errorf("tag %X encodes to %X", tag, b)
		}
	}
}

func FuzzTLV(f *testing.F) {
	for _, b := range [][]byte{
		{}, {0x84, 2, 1, 2}, {0x7F, 0x21, 1, 9}, {0xFF, 0x10, 0x82, 0, 1, 9}, {0xFF, 0xFF, 0, 0x6F, 2, 0x84, 0},
		{0x84, 0x84, 0xFF, 0xFF, 0xFF, 0xFF}, {0xDF, 0x81, 0x01, 1, 9}, {0x30, 0x80, 0, 0},
	} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := apdu.SplitTLV(b)
		if err != nil {
			return
		}
		total, encoded := 0, []byte(nil)
		for _, object := range all {
			total += len(object.Value)
			encoded = append(encoded, object.Bytes()...)
		}
		if total > len(b) {
			t.Fatalf("%d bytes of values from %d", total, len(b))
		}
		again, err := apdu.SplitTLV(encoded)
		if err != nil || len(again) != len(all) {
			t.Fatalf("%x: encoded to %x, read back as %d objects, %v", b, encoded, len(again), err)
		}
		for i := range all {
			if again[i].Tag != all[i].Tag || !bytes.Equal(again[i].Value, all[i].Value) {
				t.Fatalf("%x: object %d changed", b, i)
			}
		}
		apdu.FindTLV(b, 0x6F, 0x84)
	})
}
