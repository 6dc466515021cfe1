namespace Bulkhead.Policy.Symbolic;

/// <summary>Says a region in the words of policy: <c>app=shop,role=web → app=shop,role=db on tcp/5432</c>.</summary>
internal sealed class RegionText(Alphabet alphabet)
{
    private const int ShownValues = 8;

    /// <summary>Both ends, the ports, and what else is asked.</summary>
    public string Of(Region region) =>
        $"{End(region, Side.Consumer)} → {End(region, Side.Provider)} on {PortCodes.Text(region.Ports)}{Users(region.Users)}{Relations(region)}";

    /// <summary>One end.</summary>
    public string End(Region region, Side side)
    {
        var addresses = ReferenceEquals(region.Addresses(side), AddressCodes.All) ? null : AddressCodes.Text(region.Addresses(side));
        if (!region[Dimension.Kind(side)].Contains(Dimension.Workload))
        {
            return $"no workload at {addresses ?? "any address"}";
        }

        var labels = region.Values.Where(v => Dimension.SideOf(v.Dimension) == side && Dimension.KeyOf(v.Dimension) is not null)
            .OrderBy(v => alphabet.Keys[Dimension.KeyOf(v.Dimension)!.Value], StringComparer.Ordinal)
            .Select(v => Label(alphabet.Keys[Dimension.KeyOf(v.Dimension)!.Value], v.Set)).ToList();
        return (labels.Count == 0 ? "all" : string.Join(',', labels)) + (addresses is null ? "" : $" at {addresses}")
            + Process(region[Dimension.Path(side)], "") + Process(region[Dimension.Unit(side)], "unit ");
    }

    private string Label(string key, ValueSet set)
    {
        var values = Values(set);
        var absent = set.Contains(Alphabet.Absent);
        return (set.IsComplement, values.Length > 0, absent) switch
        {
            (false, true, false) => $"{key}={values}",
            (false, true, true) => $"({key}={values} or no {key})",
            (false, false, _) => $"(no {key})",
            (true, true, true) => $"{key}!={values}",
            (true, true, false) => $"{key}=*,{key}!={values}",
            _ => $"{key}=*",
        };
    }

    private string Process(ValueSet set, string what) => set.IsAll ? "" : $" [{(set.IsComplement ? "not " : "")}{what}{Values(set)}]";

    private string Values(ValueSet set)
    {
        var texts = set.Ids.Where(id => id != Alphabet.Absent).Select(id => alphabet.Text(id)!).Order(StringComparer.Ordinal).ToList();
        return string.Join('|', texts.Take(ShownValues)) + (texts.Count > ShownValues ? $"|… ({texts.Count})" : "");
    }

    private string Users(UserSet users)
    {
        string Groups(int[] groups) => string.Join(" or ", groups.Select(g => alphabet.Text(g)!).Order(StringComparer.Ordinal));
        var asked = users.Clauses.Select(clause => $"in {Groups(clause)}").Order(StringComparer.Ordinal).ToList();
        if (users.NoneOf.Length > 0)
        {
            asked.Add($"not in {Groups(users.NoneOf)}");
        }

        return asked.Count == 0 ? "" : $" by users {string.Join(" and ", asked)}";
    }

    private string Relations(Region region) => string.Concat(region.Relations
        .Select(r => (Key: alphabet.Keys[r.Key], r.Equal)).OrderBy(r => r.Key, StringComparer.Ordinal)
        .Select(r => r.Equal ? $", both with the same {r.Key}" : $", not both with the same {r.Key}"));
}
