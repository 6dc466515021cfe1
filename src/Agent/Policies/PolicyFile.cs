using System.Buffers.Binary;
using System.Security.Cryptography;
using Bulkhead.Agent.State;
using Google.Protobuf;
using Wire = Bulkhead.Contracts.Agent;

namespace Bulkhead.Agent.Policies;

/// <summary>
/// A checksummed copy of a policy on disk: the last whole one, and beside it, in a file that grows, the deltas since. A delta counts only behind the very
/// policy that it is for, so that what a crash leaves of an older file is passed over, and reading ends at the first one that is damaged.
/// </summary>
/// <param name="path">The file of the whole policy.</param>
internal sealed class PolicyFile(string path)
{
    private const int RecordHead = sizeof(int) + SHA256.HashSizeInBytes;

    private readonly string _changes = path + ".changes";
    private (byte[] Whole, int Changes)? _written;
    private bool _unsynced;

    private static ReadOnlySpan<byte> Magic => "BHP1"u8;

    /// <summary>What it holds; null if there is nothing whole.</summary>
    public ReceivedPolicy? Read()
    {
        if (ReadWhole() is not { } wire || PolicyDecoder.Decode(wire).Value is not { } policy)
        {
            return null;
        }

        var received = ReceivedPolicy.Of(wire, policy);
        var rest = (Try(_changes) ?? []).AsSpan();
        while (rest.Length >= RecordHead && BinaryPrimitives.ReadInt32LittleEndian(rest) is var length and > 0 && length <= rest.Length - RecordHead)
        {
            var record = rest.Slice(RecordHead, length);
            if (!SHA256.HashData(record).AsSpan().SequenceEqual(rest[sizeof(int)..RecordHead]) || Parse(record) is not { } delta)
            {
                break;
            }

            received = received.With(delta) ?? received;
            rest = rest[(RecordHead + length)..];
        }

        return received;
    }

    /// <summary>The whole policy alone; null if it is not there or damaged.</summary>
    public Wire.HostPolicy? ReadWhole()
    {
        try
        {
            return Try(path) is { } file && Payload(file) is { } payload ? Wire.HostPolicy.Parser.ParseFrom(payload) : null;
        }
        catch (InvalidProtocolBufferException)
        {
            return null;
        }
    }

    /// <summary>Makes it hold a policy, at the cost of the deltas that it does not hold yet.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="deltasToDisk">Whether to wait for the disk for deltas too; if not, they outlive this process, and a power cut only after <see cref="Sync"/>.</param>
    /// <exception cref="IOException">The disk refused; a whole policy is there still.</exception>
    public void Write(ReceivedPolicy policy, bool deltasToDisk = true)
    {
        var written = _written;
        _written = null;
        if (written is { } held && ReferenceEquals(held.Whole, policy.Whole) && held.Changes <= policy.Changes.Length)
        {
            Append(policy.Changes.AsSpan()[held.Changes..], deltasToDisk);
        }
        else
        {
            Write(policy.Whole);
            _unsynced = false;
            DurableFile.Remove(_changes);
            Append(policy.Changes.AsSpan(), toDisk: true);
        }

        _written = (policy.Whole, policy.Changes.Length);
    }

    /// <summary>Waits until all that it holds is on disk.</summary>
    /// <exception cref="IOException">The disk refused.</exception>
    public void Sync()
    {
        if (_unsynced)
        {
            DurableFile.Sync(_changes);
            _unsynced = false;
        }
    }

    /// <summary>Makes it hold a whole policy without deltas.</summary>
    /// <exception cref="IOException">The disk refused; the old one is there still.</exception>
    public void Write(byte[] whole)
    {
        byte[] file = [.. Magic, .. SHA256.HashData(whole), .. whole];
        if (!(Try(path) is { } present && present.AsSpan().SequenceEqual(file)))
        {
            DurableFile.Write(path, file);
        }
    }

    /// <summary>Removes it.</summary>
    public void Remove()
    {
        (_written, _unsynced) = (null, false);
        DurableFile.Remove(path);
        DurableFile.Remove(_changes);
    }

    private void Append(ReadOnlySpan<byte[]> changes, bool toDisk)
    {
        if (changes.Length > 0)
        {
            using var records = new MemoryStream();
            Span<byte> length = stackalloc byte[sizeof(int)];
            foreach (var change in changes)
            {
                BinaryPrimitives.WriteInt32LittleEndian(length, change.Length);
                records.Write(length);
                records.Write(SHA256.HashData(change));
                records.Write(change);
            }

            DurableFile.Append(_changes, records.GetBuffer().AsSpan(0, (int)records.Length), toDisk);
            _unsynced = !toDisk;
        }
    }

    private static Wire.PolicyDelta? Parse(ReadOnlySpan<byte> record)
    {
        try
        {
            return Wire.PolicyDelta.Parser.ParseFrom(record);
        }
        catch (InvalidProtocolBufferException)
        {
            return null;
        }
    }

    private static byte[]? Payload(byte[] file)
    {
        var head = Magic.Length + SHA256.HashSizeInBytes;
        return file.Length >= head
            && file.AsSpan(0, Magic.Length).SequenceEqual(Magic)
            && SHA256.HashData(file.AsSpan(head)).AsSpan().SequenceEqual(file.AsSpan(Magic.Length, SHA256.HashSizeInBytes))
            ? file[head..]
            : null;
    }

    private static byte[]? Try(string file)
    {
        try
        {
            return DurableFile.Read(file);
        }
        catch (IOException)
        {
            return null;
        }
    }
}
