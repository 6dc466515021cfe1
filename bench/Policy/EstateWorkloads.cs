using System.Globalization;
using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Labels;

namespace Bulkhead.Bench.Policy;

/// <summary>Draws the workloads of an estate; cells (role, app, env, loc) have sizes after Zipf, exponent 0.9.</summary>
internal sealed class EstateWorkloads
{
    private const double Skew = 0.9;
    private const double SetsPerWorkload = 0.6;
    private static readonly EquatableArray<string> AllFeatures = Features.All.ToEquatableArray();
    private static readonly UInt128 FirstV6 = IpAddress.Parse("2001:db8::").Bits;

    private readonly Random _random;
    private readonly int[] _ends;
    private int _made;

    public EstateWorkloads(EstateShape shape, IReadOnlyList<EstateApp> apps, Random random)
    {
        _random = random;
        Cells = [.. from app in apps from place in app.Places from role in app.Roles select new EstateCell(app, place.Env, role, place.Loc)];
        random.Shuffle(Cells);
        Size(shape.Workloads);
        _ends = new int[Cells.Length];
        for (var (i, sum) = (0, 0); i < Cells.Length; i++)
        {
            _ends[i] = sum += Cells[i].Size;
            if (shape.Sparse)
            {
                Cells[i].Scatter(Math.Max(1, (int)Math.Round(Cells[i].Size * SetsPerWorkload)), random);
            }
        }
    }

    /// <summary>The cells, the largest first.</summary>
    public EstateCell[] Cells { get; }

    /// <summary>All workloads that the estate begins with, in an order that says nothing.</summary>
    public List<Workload> Make()
    {
        var made = new List<Workload>(_ends[^1]);
        foreach (var cell in Cells)
        {
            for (var n = 0; n < cell.Size; n++)
            {
                made.Add(Make(cell.Labels(n, _random)));
            }
        }

        return made;
    }

    /// <summary>A workload with labels, an identity and addresses that no other has.</summary>
    public Workload Make(LabelSet labels)
    {
        var id = new byte[16];
        _random.NextBytes(id);
        return new()
        {
            Id = new(new(id)),
            Name = string.Create(CultureInfo.InvariantCulture, $"{labels["env"]}-{labels["app"]}-{labels["role"]}-{_made:D6}"),
            Labels = labels,
            Addresses = NewAddresses(),
            Managed = true,
            Features = AllFeatures,
        };
    }

    /// <summary>An IPv4 and an IPv6 address that no other workload has.</summary>
    public EquatableArray<ScopedAddress> NewAddresses()
    {
        // Times an odd number, modulo 2^24: distinct addresses of 10.0.0.0/8 in an order that has nothing to do with labels.
        var n = (uint)++_made;
        var v4 = (10u << 24) | ((n * 0x9e3779b1u) & 0xffffff);
        return [ScopedAddress.Of(IpAddress.V4(v4)), ScopedAddress.Of(IpAddress.V6(FirstV6 | ((UInt128)(n * 0x9e3779b97f4a7c15UL) << 16) | n))];
    }

    /// <summary>A cell, the likelier the larger.</summary>
    public EstateCell DrawCell()
    {
        var found = Array.BinarySearch(_ends, _random.Next(_ends[^1]) + 1);
        return Cells[found >= 0 ? found : ~found];
    }

    private void Size(int workloads)
    {
        if (workloads < Cells.Length)
        {
            throw new Harness.BenchException($"an estate of {Cells.Length} cells needs at least as many workloads, not {workloads}");
        }

        var weights = Enumerable.Range(1, Cells.Length).Select(rank => Math.Pow(rank, -Skew)).ToArray();
        var (rest, total) = (workloads - Cells.Length, weights.Sum());
        var given = 0;
        for (var i = 0; i < Cells.Length; i++)
        {
            var share = (int)(rest * weights[i] / total);
            Cells[i].Size += share;
            given += share;
        }

        for (var i = 0; i < rest - given; i++)
        {
            Cells[i % Cells.Length].Size++;
        }
    }
}
