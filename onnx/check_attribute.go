package onnx

import (
	"math"
)

// valueFields says for each attribute type which field holds its value and whether it is there.
var valueFields = []struct {
	typ  AttributeType
	name string
	has  func(a *Attribute) bool
}{
	{AttributeFloat, "f", func(a *Attribute) bool { return math.Float32bits(a.F) != 0 || a.wire.has(2) }},
	{AttributeInt, "i", func(a *Attribute) bool { return a.I != 0 || a.wire.has(3) }},
	{AttributeString, "s", func(a *Attribute) bool { return a.S != nil }},
	{AttributeTensor, "t", func(a *Attribute) bool { return a.T != nil }},
	{AttributeGraph, "g", func(a *Attribute) bool { return a.G != nil }},
	{AttributeSparseTensor, "sparse_tensor", func(a *Attribute) bool { return a.SparseTensor != nil }},
	{AttributeTypeProto, "tp", func(a *Attribute) bool { return a.TypeProto != nil }},
	{AttributeFloats, "floats", func(a *Attribute) bool { return len(a.Floats) > 0 }},
	{AttributeInts, "ints", func(a *Attribute) bool { return len(a.Ints) > 0 }},
	{AttributeStrings, "strings", func(a *Attribute) bool { return len(a.Strings) > 0 }},
	{AttributeTensors, "tensors", func(a *Attribute) bool { return len(a.Tensors) > 0 }},
	{AttributeGraphs, "graphs", func(a *Attribute) bool { return len(a.Graphs) > 0 }},
	{AttributeSparseTensors, "sparse_tensors", func(a *Attribute) bool { return len(a.SparseTensors) > 0 }},
	{AttributeTypeProtos, "type_protos", func(a *Attribute) bool { return len(a.TypeProtos) > 0 }},
}

func (c *checker) checkAttribute(p *place, a *Attribute, s *scope) {
	if a == nil {
		c.report(p, "is nil")
		return
	}
	if a.Name == "" {
		c.report(p, "no name")
	}
	if a.Type <= AttributeUndefined || a.Type > AttributeTypeProtos {
		c.report(p, "type %s", a.Type)
		return
	}
	for _, f := range valueFields {
		switch {
		case a.RefAttrName != "" && f.has(a):
			c.report(p, "refers to attribute %s and has a value in %s", quote(a.RefAttrName), f.name)
		case f.typ != a.Type && f.has(a):
			c.report(p, "type %s, but a value in %s", a.Type, f.name)
		}
	}
	switch {
	case a.RefAttrName == "":
	case s.parameters == nil:
		c.report(p, "refers to attribute %s of a function, but is not in one", quote(a.RefAttrName))
	case !s.parameters[a.RefAttrName]:
		c.report(p, "refers to attribute %s, which the function does not have", quote(a.RefAttrName))
	}
	c.checkAttributeValue(p, a, s)
}

// checkAttributeValue looks into the value; a single message must be there.
func (c *checker) checkAttributeValue(p *place, a *Attribute, s *scope) {
	missing := func(absent bool) {
		if absent && a.RefAttrName == "" {
			c.report(p, "type %s without a value", a.Type)
		}
	}
	switch a.Type {
	case AttributeTensor:
		missing(a.T == nil)
		if a.T != nil {
			c.checkTensor(p.at("tensor", -1, a.T), a.T)
		}
	case AttributeGraph:
		missing(a.G == nil)
		if a.G != nil {
			c.checkGraph(p.at("graph", -1, a.G), a.G, s.inside())
		}
	case AttributeSparseTensor:
		missing(a.SparseTensor == nil)
		if a.SparseTensor != nil {
			c.checkSparse(p.at("sparse_tensor", -1, a.SparseTensor), a.SparseTensor)
		}
	case AttributeTypeProto:
		missing(a.TypeProto == nil)
		c.checkType(p.at("type_proto", -1, nil), a.TypeProto, 0)
	case AttributeTensors:
		for i, t := range a.Tensors {
			c.checkTensor(p.at("tensor", i, t), t)
		}
	case AttributeGraphs:
		for i, g := range a.Graphs {
			if g == nil {
				c.report(p.at("graph", i, nil), "is nil")
				continue
			}
			c.checkGraph(p.at("graph", i, g), g, s.inside())
		}
	case AttributeSparseTensors:
		for i, t := range a.SparseTensors {
			c.checkSparse(p.at("sparse_tensor", i, t), t)
		}
	case AttributeTypeProtos:
		for i, t := range a.TypeProtos {
			c.checkType(p.at("type_proto", i, nil), t, 0)
		}
	}
}
