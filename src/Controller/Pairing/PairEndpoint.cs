using System.Net;
using Bulkhead.Contracts.Agent;
using Bulkhead.Controller.Access;
using Bulkhead.Controller.Agents;
using Bulkhead.Controller.Authority;
using Bulkhead.Controller.Live;
using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Storage.Rows;
using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Inventory;
using Google.Protobuf;
using Microsoft.EntityFrameworkCore;

namespace Bulkhead.Controller.Pairing;

/// <summary>
/// <c>POST /agent/v1/pair</c>: a host with a pairing key becomes a workload, or takes up the workload that it was before. A host is known by its
/// machine-id and hardware UUID; while one with that identity is connected, another is a clone.
/// </summary>
public sealed class PairEndpoint(
    CertificateAuthority authority, Ledger ledger, AgentDirectory directory, PairingThrottle throttle, LiveFeed feed, ILogger<PairEndpoint> logger)
{
    private const int MaxBytes = 64 * 1024;
    private const int MaxIdentity = 128;
    private const int MaxAddresses = 1024;

    private abstract record Paired
    {
        public sealed record Done(Guid Id, string Name, byte[] Certificate, IReadOnlyList<AddressConflict> Conflicts, Diagnostic? Doubt) : Paired;

        /// <summary>Refused; kept, since it is audited.</summary>
        public sealed record Refused(string Code, AgentAnswer Answer) : Paired;
    }

    /// <summary>Pairs one host.</summary>
    public async Task<IResult> PairAsync(HttpContext context)
    {
        var remote = context.Connection.RemoteIpAddress ?? IPAddress.None;
        var request = await context.Request.ReadAsync(PairRequest.Parser, MaxBytes).ConfigureAwait(false);
        if (request is null || !IsWellFormed(request) || AddressClaims.Read(request.Addresses) is not { Count: <= MaxAddresses } addresses)
        {
            return AgentAnswer.Malformed("The pairing request is malformed or truncated: it needs a key, a signing request, the host's identity and its addresses.");
        }

        var wait = throttle.Wait(remote);
        if (wait > TimeSpan.Zero)
        {
            context.Response.Headers.RetryAfter = Math.Ceiling(wait.TotalSeconds).ToString(System.Globalization.CultureInfo.InvariantCulture);
            return AgentAnswer.Refuse(StatusCodes.Status429TooManyRequests, "too-many-attempts", "Too many pairings from this address were refused. Nothing was changed.", $"Wait {Math.Ceiling(wait.TotalSeconds)} s and try again with the right key.");
        }

        // Anybody can send any number of wrong keys: they neither wait for the writer nor fill the audit log.
        if (!await IsKnownAsync(Secrets.Hash(request.Key), context.RequestAborted).ConfigureAwait(false))
        {
            return Answer(UnknownKey(), remote);
        }

        var actor = $"agent:{request.Identity.HostName}";
        var outcome = await ledger.WriteAsync<Paired>(
            actor, (edit, token) => PairAsync(edit, request, addresses, remote, token), context.RequestAborted).ConfigureAwait(false);
        switch (outcome.Value)
        {
            case Paired.Done done:
                Log.Paired(logger, done.Name, remote.ToString(), done.Id);
                var id = new WorkloadId(done.Id);
                directory.Clear(id, "clone");
                directory.Expect(id);
                directory.SetConflicts(id, done.Conflicts);
                if (done.Doubt is { } doubt)
                {
                    directory.Flag(id, doubt);
                }

                feed.Publish(LiveKinds.Workloads);
                return AgentAnswer.Of(new PairResponse
                {
                    WorkloadId = done.Id.ToString("D"),
                    Certificate = ByteString.CopyFrom(done.Certificate),
                    Authority = ByteString.CopyFrom(authority.Certificate.RawData),
                });
            case Paired.Refused refused:
                return Answer(refused, remote);
            default:
                return AgentAnswer.Refuse(StatusCodes.Status409Conflict, "busy", "The workload was changed meanwhile; nothing was changed.", "Try again.");
        }
    }

    private AgentAnswer Answer(Paired.Refused refused, IPAddress remote)
    {
        throttle.Refused(remote);
        Log.PairingRefused(logger, remote.ToString(), refused.Code);
        return refused.Answer;
    }

    private async Task<bool> IsKnownAsync(string hash, CancellationToken cancellation)
    {
        await using var database = await ledger.ReadAsync(cancellation).ConfigureAwait(false);
        return await database.PairingKeys.AnyAsync(key => key.SecretHash == hash, cancellation).ConfigureAwait(false);
    }

    private static bool IsWellFormed(PairRequest request) =>
        request is { Identity: { } identity, Agent: { } agent }
        && request.Key.Length is > 0 and <= 256
        && identity.MachineId.Length is > 0 and <= MaxIdentity && identity.HardwareUuid.Length is > 0 and <= MaxIdentity
        && identity.HostName.Length is > 0 and <= MaxIdentity && !identity.HostName.Any(c => char.IsControl(c) || char.IsWhiteSpace(c) || c == '/')
        && agent.Features.Count <= 100 && agent.Features.All(f => f.Length is > 0 and <= 64 && !f.Any(char.IsWhiteSpace));

    private async Task<Outcome<Paired>> PairAsync(
        Edit edit, PairRequest request, IReadOnlyList<IpAddress> addresses, IPAddress remote, CancellationToken cancellation)
    {
        var hash = Secrets.Hash(request.Key);
        var key = await edit.Database.PairingKeys.SingleOrDefaultAsync(k => k.SecretHash == hash, cancellation).ConfigureAwait(false);
        if (key is null)
        {
            return Outcomes.Tried<Paired>(UnknownKey());
        }

        if (Unusable(key, edit.Now) is { } refusal)
        {
            edit.Audit("pairing.refused", key.Name, $"{request.Identity.HostName} ({remote}) was refused: {refusal.Code}.");
            return refusal;
        }

        var identity = request.Identity;
        var row = await edit.Database.Workloads.Include(w => w.Addresses)
            .SingleOrDefaultAsync(w => w.MachineId == identity.MachineId && w.HardwareUuid == identity.HardwareUuid, cancellation).ConfigureAwait(false);
        if (row is not null && Repairing.Beyond(row, key, edit.Before.LabelKeys) is { } beyond)
        {
            edit.Audit("pairing.refused", key.Name, $"{identity.HostName} ({remote}) was refused: {beyond}");
            return Refuse("outside-scope", beyond, "Use a key of somebody who may manage that workload, or ask them to remove it.");
        }

        if (row is not null && directory.Remote(new(row.Id)) is { } live)
        {
            directory.Flag(new(row.Id), Diagnostic.Error("clone", "identity", $"A second live host at {remote} has this workload's identity and tried to pair; the first is at {live}."));
            edit.Audit("agent.clone-refused", row.Name, $"A host at {remote} with the identity of {row.Name} ({live}) tried to pair and was refused.");
            return new Paired.Refused("clone", AgentAnswer.Refuse(StatusCodes.Status409Conflict, "clone", $"A live host at {live} has this machine-id and hardware UUID; nothing was changed.",
                "Stop that host's agent first, or give this host a machine-id of its own (systemd-machine-id-setup)."));
        }

        var networks = StoredText.Prefixes(key.Networks);
        var id = new WorkloadId(row?.Id ?? Guid.CreateVersion7(edit.Now));
        var claims = AddressClaims.Decide(id, addresses, networks, edit.Before.Holders, _ => false);
        if (claims.Held.Count + claims.Conflicts.Count == 0)
        {
            edit.Audit("pairing.refused", key.Name, $"{identity.HostName} ({remote}) was refused: none of its addresses lies in the key's networks.");
            return Refuse("address-not-admitted", $"None of this host's addresses ({string.Join(", ", addresses)}) lies in the key's networks ({string.Join(", ", networks)}).", "Use a key for this host's network.");
        }

        (string Detail, Diagnostic? Doubt)? takenUp = row is null ? null : Repairing.TakeUp(row, key, identity.HostName, remote);
        row ??= Add(edit.Database, id, request, key);
        (row.Name, row.Managed, row.Networks) = (identity.HostName, true, key.Networks);
        row.Pairing++;
        row.Version++;
        key.Uses++;
        var certificate = authority.CertifyAgent(request.SigningRequest.Span, new(id, row.Pairing), edit.Now);
        if (certificate is null)
        {
            return Outcomes.Tried<Paired>(new Paired.Refused("malformed-message", AgentAnswer.Malformed("The signing request is not a PKCS #10 request for a P-256 key.")));
        }

        await claims.ApplyAsync(edit, row, cancellation).ConfigureAwait(false);
        edit.Audit("pairing.pair", row.Name, takenUp?.Detail ?? $"{row.Name} ({remote}) paired with the key {key.Name}{(row.Admitted ? "" : " and waits to be admitted")}.");
        return new Paired.Done(row.Id, row.Name, certificate, claims.Conflicts, takenUp?.Doubt);
    }

    private static Paired.Refused? Unusable(PairingKeyRow key, DateTimeOffset now) => key switch
    {
        { Revoked: true } => Refuse("key-revoked", "The pairing key was revoked.", "Make another key in the console under Pairing."),
        _ when key.Expires <= now => Refuse("key-expired", $"The pairing key expired at {key.Expires:u}.", "Make another key in the console under Pairing."),
        { MaxUses: { } most } when key.Uses >= most => Refuse("key-used-up", $"The pairing key was good for {most} pairings, and all were used.", "Make another key in the console under Pairing."),
        _ => null,
    };

    private static Paired.Refused UnknownKey() => Refuse("key-unknown", "There is no such pairing key.", "Check the key file, or make a key in the console under Pairing.");

    private static WorkloadRow Add(ControllerDb database, WorkloadId id, PairRequest request, PairingKeyRow key)
    {
        var row = new WorkloadRow
        {
            Id = id.Value,
            Labels = key.Labels,
            Admitted = key.AutoAdmit,
            Features = string.Join(' ', request.Agent.Features.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)),
            MachineId = request.Identity.MachineId,
            HardwareUuid = request.Identity.HardwareUuid,
        };
        database.Workloads.Add(row);
        return row;
    }

    private static Paired.Refused Refuse(string code, string message, string remedy) =>
        new(code, AgentAnswer.Refuse(StatusCodes.Status403Forbidden, code, $"{message} Nothing was changed.", remedy));
}
