using System.Globalization;
using Bulkhead.Policy.Evaluate;
using Xunit.Abstractions;

namespace Bulkhead.Policy.Tests.Naive;

/// <summary>Counts what was compared: agreement on a lopsided mix would prove little.</summary>
internal sealed class Tally
{
    private readonly Dictionary<VerdictKind, int> _counts = [];

    public void Add(VerdictKind kind) => _counts[kind] = _counts.GetValueOrDefault(kind) + 1;

    /// <summary>Fails unless enough was compared, 30 to 70 % of it blocked, and every other kind of it was met.</summary>
    public void MustBeMixed(ITestOutputHelper output, int least)
    {
        var total = _counts.Values.Sum();
        var blocked = 100.0 * _counts.GetValueOrDefault(VerdictKind.Blocked) / total;
        var text = string.Create(CultureInfo.InvariantCulture, $"{total} compared: {string.Join(", ", _counts.OrderBy(c => c.Key).Select(c => $"{c.Value} {c.Key}"))}; {blocked:0.0} % blocked");
        output.WriteLine(text);
        Assert.True(total >= least, $"too few: {text}");
        Assert.True(blocked is >= 30 and <= 70, $"lopsided: {text}");
        Assert.True(_counts.GetValueOrDefault(VerdictKind.Unknown) * 250 > total && _counts.GetValueOrDefault(VerdictKind.Allowed) * 10 > total, $"lopsided: {text}");
    }
}
