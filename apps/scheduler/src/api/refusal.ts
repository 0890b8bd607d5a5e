// A request that is refused for a reason: the router answers with its status and its words.

/** Thrown by whatever answers a request. `status`: 400 it makes no sense, 404 no such thing, 409 not now. */
export class Refusal extends Error {
  readonly status: 400 | 404 | 409;

  constructor(status: 400 | 404 | 409, message: string) {
    super(message);
    this.name = 'Refusal';
    this.status = status;
  }
}
