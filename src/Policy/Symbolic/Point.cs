namespace Bulkhead.Policy.Symbolic;

/// <summary>One connection of a region, everything about it decided.</summary>
/// <param name="Values">A value for each dimension; dimensions beyond the end are absent.</param>
/// <param name="Port">As <see cref="PortCodes"/>.</param>
/// <param name="From">The consumer's address, as <see cref="AddressCodes"/>.</param>
/// <param name="To">The provider's address.</param>
/// <param name="Groups">The connecting user's groups.</param>
internal sealed record Point(int[] Values, int Port, UInt128 From, UInt128 To, int[] Groups)
{
    /// <summary>The value of a dimension.</summary>
    public int this[int dimension] => dimension < Values.Length ? Values[dimension] : Alphabet.Absent;

    /// <summary>The same, but for the value of one dimension.</summary>
    public Point With(int dimension, int value)
    {
        var values = (int[])Values.Clone();
        values[dimension] = value;
        return this with { Values = values };
    }

    /// <summary>Whether it is one of a region's connections.</summary>
    public bool IsIn(Region region)
    {
        foreach (var (dimension, set) in region.Values)
        {
            if (!set.Contains(this[dimension]))
            {
                return false;
            }
        }

        foreach (var (key, equal) in region.Relations)
        {
            if (this[Dimension.Label(Side.Consumer, key)] == this[Dimension.Label(Side.Provider, key)] != equal)
            {
                return false;
            }
        }

        return region.Ports.Contains(Port) && region.From.Contains(From) && region.To.Contains(To) && region.Users.Contains(Groups);
    }
}
