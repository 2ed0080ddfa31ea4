package ops

// identityOps are the operators that hand their input on.
func identityOps() []Op {
	return []Op{
		{Name: "Identity", Versions: repeat(unaryVersion(newIdentity), 1, 13, 14, 16, 19, 21, 23, 24, 25)},
	}
}

// identity is y = x, for any kind of value.
type identity struct{}

func newIdentity(*Attrs) (Kernel, error) { return identity{}, nil }

func (identity) Infer(c *Infer) error {
	c.Set(0, c.In(0))
	return nil
}

func (identity) Run(c *Ctx) error { return c.SetOut(0, c.Value(0)) }

func (identity) View() bool { return true }
func (identity) AnyValue()  {}
